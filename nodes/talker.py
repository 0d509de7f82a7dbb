"""Say hello, with a number that grows.

pubs    hello  {"text": str, "number": int}, one message a tick, numbered from 1
"""

import horus


class Talker(horus.Node):
    def init(self):
        self.number = 0

    def tick(self):
        self.number += 1
        self.send("hello", {"text": "hello", "number": self.number})

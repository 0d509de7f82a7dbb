"""Print each message of a topic as a line of text, and ask the graph to stop when it was enough.

subs    the topic that is shown: dicts, at any rate
params  topic   its name
        text    the line, with the message's keys in braces: "closest obstacle {distance_m:.2f} m"
        enough  messages after which the graph is asked to stop; 0: never (0)
"""

import horus


class Show(horus.Node):
    def init(self):
        self.topic, self.text = self.params["topic"], self.params["text"]
        self.left = self.params.get("enough", 0)

    def tick(self):
        for message in self.recv_all(self.topic):
            print(self.text.format(**message), flush=True)
            self.left -= 1
            if self.left == 0:
                self.request_stop()

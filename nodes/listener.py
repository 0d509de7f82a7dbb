"""Print what is heard, and ask the graph to stop when it was enough.

subs    hello   {"text": str, "number": int}
params  enough  the number after which the graph is asked to stop (5)
"""


def listen(node):
    for message in node.recv_all("hello"):
        print(f"{message['text']}, number {message['number']}", flush=True)
        if message["number"] == node.params.get("enough", 5):
            node.request_stop()

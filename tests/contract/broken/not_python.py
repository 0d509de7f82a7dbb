def camera(node:

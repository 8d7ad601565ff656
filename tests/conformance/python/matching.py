# expect: ["move 3", "quit", "many 2", "fire at b", "text hi", "number 4", "other", "or"]
def act(command):
    match command:
        case ["move", distance]:
            return f"move {distance}"
        case {"type": "fire", "target": target, **rest}:
            return "fire at " + target
        case "quit":
            return "quit"
        case ["many", *rest]:
            return f"many {len(rest)}"
        case 1 | 2:
            return "or"
        case str(text) if text:
            return "text " + text
        case int() as number:
            return f"number {number}"
        case _:
            return "other"


result = [act(c) for c in (["move", 3], "quit", ["many", 1, 2], {"type": "fire", "target": "b"}, "hi", 4, None, 2)]

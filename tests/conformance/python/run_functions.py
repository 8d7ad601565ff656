# expect: [1700000000, "2023-11-14T22:13:20+00:00", true, {"hp": 9, "class": "tank", "list": [1]}, 9, "2023-11-14 22:13:20"]
# context: {"hp": 9, "class": "tank", "list": [1]}
# log: ["plain", "a 1", "x,y!", "[1, None]"]
log("plain")
print("a", 1)
print("x", "y", sep=",", end="!")
log([1, None])
import datetime

result = [timestamp(), now().isoformat(), 0 <= rand() < 1, get_context(), hp, str(datetime.datetime.now())]

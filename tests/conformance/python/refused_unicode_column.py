# error: execution 2:17 "ZeroDivisionError"
a = "äöü"; b = (1 / 0)

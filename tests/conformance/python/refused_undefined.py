# error: execution 2:10 "NameError"
result = attacker_health

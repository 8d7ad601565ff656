for _ in range(message['payload']['turns']):
    pass
result = {'lap': message['payload']['lap']}

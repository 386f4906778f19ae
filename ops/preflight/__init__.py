"""`understudy check`: is everything in place, before anything is touched?"""

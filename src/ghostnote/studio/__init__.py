"""The studio: the verbs of the pipeline over REST, and the page that plays with them.

Everything that is made is made by `ghostnote.pipeline`; here stands what a server adds: schemas,
limits, fair turns, and who may ask.
"""

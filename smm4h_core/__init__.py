"""The science of smm4h: nothing in here knows of Ray, HTTP or a command line."""

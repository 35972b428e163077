"""The HTTP service: answers recommendations from the newest model and the listener's state of a moment ago, takes events in."""

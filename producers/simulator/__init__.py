"""Listeners who do not exist, with tastes over a catalogue that does."""

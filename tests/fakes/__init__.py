"""Servers that speak as others' do, for tests."""

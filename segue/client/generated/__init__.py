"""Written from the OpenAPI document by `segue.client.writer`."""

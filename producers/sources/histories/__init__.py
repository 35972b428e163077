"""People's own histories, as the services that kept them hand them out."""

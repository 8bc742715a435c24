"""One module a page: what it shows, worked out from records; how it looks is a template's."""

"""Who is who in the registry: people, their keys and tokens, organisations, and how they sign in.

``accounts.Accounts`` is the whole of it over a KeyedStore; ``identity.identify`` says who asks; ``http.router`` has the JSON
API.  Nothing in here but ``http*`` knows of a web framework, so that gRPC, Connect and the commands use the same functions.
"""

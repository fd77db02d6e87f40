"""Tables of posts of any size: rows stream in and out, with every column they came with."""

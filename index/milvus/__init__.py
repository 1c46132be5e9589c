"""Vectors in a Milvus server, for replicas that share them; nothing here has a part in what an index is made of."""

"""The HTTP surface: the API of the contract, with its limits and its errors."""

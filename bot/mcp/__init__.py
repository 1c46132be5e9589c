"""acknet for other agents: the Model Context Protocol (MCP), over stdio and streamable HTTP."""

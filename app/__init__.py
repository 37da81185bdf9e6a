"""The Share Price Viewer API: industries, shares and permits behind one GraphQL endpoint."""

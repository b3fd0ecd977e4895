"""Any spreadsheet file to sheets of cells with their addresses."""

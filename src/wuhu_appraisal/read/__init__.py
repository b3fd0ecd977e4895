"""Workbooks to scores: any spreadsheet to cells with addresses, then to tables."""

"""Whether a result, a workbook or a signature is what it says: computed again, and compared."""

"""What a report says in words: Dutch and English side by side, apart from how it is put together."""

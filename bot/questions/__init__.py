"""What nobody could answer: open questions put together by what they mean, and drafts of entries that would do."""

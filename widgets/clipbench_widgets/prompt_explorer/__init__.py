"""PromptExplorer: score prompts against an image."""

"""Around a run: talking to a ComfyUI server through its API, and editing API prompts.

Nothing here imports the host: a server is reached by its address alone, local or remote.
"""

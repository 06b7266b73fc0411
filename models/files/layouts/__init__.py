"""What is read from a file's header about its network: the layouts of ControlNeXt and IP-Adapter."""

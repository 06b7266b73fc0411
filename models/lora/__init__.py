"""LoRAs: a stack of them, what of each fits a model, weights by block and over the sampling.

The arithmetic (LoRA, LoHa, LoKr, GLoRA, OFT, BOFT, DoRA, differences) is always the host's; here is what it does not say or
do: names it does not know, layers that do not fit, and a report.
"""

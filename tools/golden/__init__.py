# SPDX-License-Identifier: BSD-3-Clause
"""Definitions of blocks in PyTorch, from their papers, and the cases that are written of them."""

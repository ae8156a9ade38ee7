"""Learns or predicts, without I/O: frames in, frames and fitted estimators out."""

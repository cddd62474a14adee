"""Stateless building blocks that several papers use: functions of tensors that give tensors."""

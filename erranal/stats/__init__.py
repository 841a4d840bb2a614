"""Statistics: arrays in, a small frozen result out; functions are named ``<estimand>_<method>``."""

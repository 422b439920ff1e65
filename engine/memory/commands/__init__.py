"""Command buffers for memory work: copies, barriers, queue ownership transfers, deletion after last use."""

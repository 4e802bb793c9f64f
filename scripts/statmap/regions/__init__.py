"""From suprathreshold voxels to regions, their peaks, measures and labels."""

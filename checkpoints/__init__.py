"""What we can go back to: versions, their manifests, and who serves which."""

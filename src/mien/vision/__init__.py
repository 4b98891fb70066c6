"""Image and video decoding; face detection, tracking, alignment and quality."""

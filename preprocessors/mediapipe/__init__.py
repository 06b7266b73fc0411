"""Google's MediaPipe networks from their .tflite files: bodies, faces and people, small and fast on any processor."""

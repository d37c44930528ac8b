"""A page in the browser that fuses two uploaded files; only `app` needs the package gradio (extra `page`)."""

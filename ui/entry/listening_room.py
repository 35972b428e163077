"""What Streamlit runs for each visitor. In a folder of its own: Streamlit puts the folder of its script before all packages."""

from ui.room import room

room()

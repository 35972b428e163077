"""The listening room: pages that show what Segue answers, and let anybody steer it. They speak to the API only."""

"""How the shipped model was made: the data and what it means, the network, the loop, the export."""

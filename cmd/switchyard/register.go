package main

import (
	// Each registers its models.
	_ "switchyard/fork"
	_ "switchyard/poll"
	_ "switchyard/threads"
)

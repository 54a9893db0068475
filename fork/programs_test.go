package fork

// programs are what tests start as processes of their own.
var programs = map[string]func() int{}

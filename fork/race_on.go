//go:build race

package fork

// raceEnabled tells whether the program was built with -race.
const raceEnabled = true

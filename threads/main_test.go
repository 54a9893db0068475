package threads

import (
	"os"
	"testing"

	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, map[string]func() int{"few tasks": fewTasksProgram}))
}

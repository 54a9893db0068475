package run

import (
	"os"
	"testing"

	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

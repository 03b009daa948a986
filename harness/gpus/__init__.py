"""Find, choose and lease the GPUs of this machine; which stack drives which card is `plan.compatibility`."""

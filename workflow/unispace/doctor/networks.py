"""Whether timm takes the options of the backbones, which no list of names tells."""

from __future__ import annotations

from unispace.config.study import Study
from unispace.doctor.findings import Finding
from unispace.errors import UserError


def network_findings(study: Study) -> list[Finding]:
    """Build each network of timm without memory for its weights; what others take is checked with the study.

    Importing torch and timm takes some seconds.
    """
    built, found = 0, []
    for name, backbone in study.backbones.items():
        if backbone.provider != "timm" or backbone.is_control:
            continue
        import torch

        from unispace.backbones.network import Network

        try:
            with torch.device("meta"):
                Network(backbone)
        except UserError as error:
            remedy = f"mend backbones.{name} in the study"
            found.append(Finding("networks", "error", f"backbones.{name}: {error}", remedy))
        else:
            built += 1
    if built and not found:
        found = [Finding("networks", "ok", f"{built} networks of timm can be built")]
    return found

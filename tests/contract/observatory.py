"""An observatory's own classes, as one writes them who knows the contract and nothing else of the archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ocs_archive.input.file import DataFile
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError


class SpectrumFile(FitsFile):
    """Spectra have a folder for each target, and names of targets come with blanks."""

    def get_filestore_path(self) -> str:
        header = self.get_header_data()
        target = header.get_target_name().strip() or "none"
        return f"spectra/{header.get_observation_day()}/{target}/{self.open_file.basename}{self.open_file.extension}"


class VaultStore(FileStore):
    """A folder in which a file's path is its name; it keeps one version, and its methods ask for none."""

    def _locate(self, path: str) -> Path:
        return Path(settings.FILESYSTEM_STORAGE_ROOT_DIR) / path.replace("/", "+")

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        file = self._locate(data_file.get_filestore_path())
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data_file.open_file.get_from_start().read())
        return {"key": "only", "md5": data_file.open_file.get_md5(), "extension": data_file.open_file.extension or ""}

    def delete_file(self, path: str, version_id: str) -> None:
        self._locate(path).unlink(missing_ok=True)

    def get_url(self, path: str, version_id: str, expiration: float) -> str:
        return f"https://vault.example/{path}"

    @contextmanager
    def get_fileobj(self, path: str) -> Iterator[IO[bytes] | None]:
        with self._locate(path).open("rb") as fileobj:
            yield fileobj

    def get_file_size(self, path: str) -> int:
        try:
            return self._locate(path).stat().st_size
        except FileNotFoundError as error:
            raise FileStoreConnectionError(f"The vault has no {path}.") from error


class ForgetfulStore(VaultStore):
    """A store that has got other bytes than it was given."""

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        return super().store_file(data_file) | {"md5": "0" * 32}

"""What the messages of perception compute: boxes, detections, tracks, landmarks, planes, points, cameras, sound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from horus_runner.messages import (
    AudioFrame,
    BoundingBox2D,
    BoundingBox3D,
    CameraInfo,
    COCOPose,
    CompressedImage,
    Detection,
    Detection3D,
    DetectionList,
    Landmark,
    Landmark3D,
    LandmarkArray,
    PlaneArray,
    PlaneDetection,
    PointCloudBuffer,
    PointField,
    PointXYZ,
    PointXYZRGB,
    RegionOfInterest,
    SegmentationMask,
    StereoInfo,
    TrackedObject,
    TrackingHeader,
)

CAT, DOG = Detection("cat", 0.5, 1, 2, 3, 4), Detection("dog", 0.75, class_id=2)


def test_boxes_in_space() -> None:
    box = BoundingBox3D.with_rotation(1, 2, 3, 4, 5, 6, roll=0.25, pitch=0.5, yaw=0.75)
    assert box.volume == 120
    assert (box.roll, box.pitch, box.yaw) == (0.25, 0.5, 0.75)
    seen = Detection3D("car", 0.5, 1, 2, 3, 4, 5, 6, 0.75)
    assert seen.bbox == BoundingBox3D(1, 2, 3, 4, 5, 6, 0.75)
    moving = seen.with_velocity(7, 8, 9)
    assert (moving.velocity_x, moving.velocity_y, moving.velocity_z, seen.velocity_x) == (7, 8, 9, 0)


def test_detection_list() -> None:
    found = DetectionList()
    found.append(CAT)
    found.append(DOG)
    assert len(found) == 2
    assert list(found) == [CAT, DOG]
    assert (found[0], found[-1]) == (CAT, DOG)
    assert list(found.filter_class("dog")) == [DOG]
    assert list(found.filter_confidence(0.6)) == [DOG]
    assert found.to_dicts() == [CAT.to_dict(), DOG.to_dict()]
    assert DetectionList.from_bytes(found.to_bytes()) == found == DetectionList.from_list([CAT, DOG])
    with pytest.raises(IndexError):
        found[2]
    with pytest.raises(TypeError, match="takes a Detection, not BoundingBox2D"):
        found.append(BoundingBox2D())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"takes .* each"):
        DetectionList.from_bytes(found.to_bytes()[:-1])
    assert len(DetectionList.from_list([CAT] * 256)) == 256
    with pytest.raises(ValueError, match="holds up to 256 of Detection"):
        DetectionList.from_list([CAT] * 257)


def test_masks() -> None:
    mask = SegmentationMask.semantic(640, 480, 21)
    assert (mask.is_semantic(), mask.is_instance(), mask.is_panoptic(), mask.num_classes) == (True, False, False, 21)
    assert (mask.data_size(), mask.data_size_u16()) == (307200, 614400)
    assert SegmentationMask.instance(2, 3).is_instance()
    assert SegmentationMask.panoptic(2, 3, 4).is_panoptic()


def test_track() -> None:
    track = TrackedObject(5, 0, 0, 10, 10, class_id=2, confidence=0.5)
    assert track.is_tentative()
    assert (track.hits, track.age, track.speed()) == (1, 0, 0)
    track.update(BoundingBox2D(3, 4, 10, 10), 0.75)
    assert (track.velocity, track.speed(), track.heading()) == ((3, 4), 5, pytest.approx(math.atan2(4, 3)))
    assert (track.accel_x, track.hits, track.age, track.confidence) == (0, 2, 1, 0.75)
    assert track.predicted_bbox == BoundingBox2D(6, 8, 10, 10)
    track.mark_missed()
    assert (track.time_since_update, track.age, track.hits) == (1, 2, 2)
    assert track.predicted_bbox == BoundingBox2D(9, 12, 10, 10)
    track.update(BoundingBox2D(13, 4, 10, 10), 0.75)
    assert track.velocity == (5, 0)
    assert (track.accel_x, track.accel_y) == (1, -2)
    assert track.time_since_update == 0
    track.confirm()
    assert track.is_confirmed()
    track.delete()
    assert track.is_deleted()


def test_what_follows_a_header() -> None:
    assert TrackingHeader(3).data_size() == 3 * TrackedObject().to_numpy().nbytes
    assert LandmarkArray.coco_pose().data_size() == 17 * 16
    assert LandmarkArray.mediapipe_pose().data_size() == 33 * 20
    assert LandmarkArray.mediapipe_hand().data_size() == 21 * 20
    assert LandmarkArray.mediapipe_face().data_size() == 468 * 20
    with pytest.raises(ValueError, match="2 or 3, not 4"):
        LandmarkArray(1, 4).data_size()


def test_landmarks() -> None:
    nose = Landmark.visible(3, 4, COCOPose.NOSE)
    assert nose.distance_to(Landmark()) == 5
    assert nose.is_visible(1.0)
    assert not Landmark(visibility=0.25).is_visible(0.5)
    deep = Landmark3D.visible(1, 2, 2, COCOPose.RIGHT_ANKLE)
    assert deep.distance_to(Landmark3D()) == 3
    assert deep.to_2d() == Landmark(1, 2, 1, 16)
    assert not Landmark3D(visibility=0.25).is_visible(0.5)
    numbers = [value for name, value in vars(COCOPose).items() if name.isupper() and name != "NUM_KEYPOINTS"]
    assert sorted(numbers) == list(range(COCOPose.NUM_KEYPOINTS))


def test_planes() -> None:
    floor = PlaneDetection(0, 0, 2, -2, cz=1)  # z = 1, with a normal of length 2
    assert floor.distance_to_point(5, 5, 4) == 3
    assert floor.distance_to_point(5, 5, -2) == 3
    assert floor.contains_point(0, 0, 1.05, 0.1)
    assert not floor.contains_point(0, 0, 1.2, 0.1)
    assert (floor.center.z, floor.normal.z) == (1, 1)
    with pytest.raises(ValueError, match="no plane"):
        PlaneDetection(c=0).distance_to_point(0, 0, 0)
    planes = PlaneArray()
    for _ in range(16):
        planes.add_plane(floor)
    assert planes.count == 16
    assert planes.get_planes()[15] == floor
    with pytest.raises(ValueError, match="holds up to 16"):
        planes.add_plane(floor)


def test_points() -> None:
    point = PointXYZ(1, 2, 2)
    assert (point.as_tuple(), point.distance(), point.distance_to(PointXYZ(1, 2, 0))) == ((1, 2, 2), 3, 2)
    coloured = PointXYZRGB(1, 2, 3, g=7)
    assert (coloured.xyz(), coloured.rgb()) == ((1, 2, 3), (255, 7, 255))
    assert PointField("x", 0, PointField.FLOAT32, 3).field_size() == 12
    assert PointField(datatype=PointField.UINT16).field_size() == 2
    with pytest.raises(ValueError, match="0 to 7, not 8"):
        PointField(datatype=8).field_size()


def test_point_buffer() -> None:
    buffer = PointCloudBuffer(2, "lidar")
    buffer.add_point(1, 2, 3)
    buffer.add_point(4, 5, 6)
    assert buffer.to_numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert buffer.to_bytes() == np.arange(1, 7, dtype=np.float32).tobytes()
    with pytest.raises(ValueError, match="up to 2 points"):
        buffer.add_point(7, 8, 9)
    taken = PointCloudBuffer.from_numpy(buffer.to_numpy(), "lidar")
    assert (len(taken), taken.frame_id) == (2, "lidar")
    assert taken.to_bytes() == buffer.to_bytes()
    with pytest.raises(ValueError, match=r"array of \(n, 3\)"):
        PointCloudBuffer.from_numpy(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"PointCloudBuffer.points holds up to 49152"):
        PointCloudBuffer.from_numpy(np.zeros((16385, 3)))
    with pytest.raises(ValueError, match="up to 16384 points, not 16385"):
        PointCloudBuffer(16385)


def test_compressed_image() -> None:
    image = CompressedImage("png", b"\x89PNG", 2, 3)
    assert (bytes(image.data), image.data_len(), image.width, image.height) == (b"\x89PNG", 4, 2, 3)
    assert CompressedImage().data_len() == 0
    assert CompressedImage(data=bytes(1 << 20)).data_len() == 1 << 20
    with pytest.raises(ValueError, match=r"CompressedImage.data holds up to 1048576"):
        CompressedImage(data=bytes((1 << 20) + 1))


def test_camera() -> None:
    camera = CameraInfo(640, 480, 500, 510, 320, 240)
    assert (camera.focal_lengths(), camera.principal_point()) == ((500, 510), (320, 240))
    seen = camera.camera_matrix.reshape(3, 3) @ [1, 2, 4]
    assert (seen[:2] / seen[2]).tolist() == [500 * 1 / 4 + 320, 510 * 2 / 4 + 240]
    np.testing.assert_array_equal(camera.projection_matrix.reshape(3, 4)[:, :3], camera.camera_matrix.reshape(3, 3))
    assert camera.with_distortion_model("equidistant").distortion_model == "equidistant"
    assert camera.distortion_model == "plumb_bob"
    stereo = StereoInfo(camera, camera, baseline=0.1)
    assert stereo.depth_from_disparity(10) == 5
    assert stereo.disparity_from_depth(5) == 10
    assert stereo.depth_from_disparity(0) == math.inf
    with pytest.raises(ValueError, match="more than 0"):
        stereo.disparity_from_depth(0)
    assert StereoInfo(camera, camera, 0.1, 1000).depth_from_disparity(10) == 5000


def test_region() -> None:
    region = RegionOfInterest(10, 20, 3, 4)
    assert region.area() == 12
    assert region.contains(10, 20)
    assert region.contains(12, 23)
    assert not any(region.contains(x, y) for x, y in [(13, 20), (10, 24), (9, 20), (10, 19)])
    assert (region.x_offset, region.y_offset) == (10, 20)


def test_audio() -> None:
    frame = AudioFrame.stereo(48000, np.zeros(960))
    assert (frame.num_samples, frame.frame_count, frame.duration_ms, frame.channels) == (960, 480, 10, 2)
    assert AudioFrame.mono(16000, [0.5, -0.5]).samples.tolist() == [0.5, -0.5]
    assert AudioFrame.multi_channel(8000, 4, np.zeros(32)).duration_ms == 1
    assert AudioFrame(samples=np.zeros(19200)).num_samples == 19200
    with pytest.raises(ValueError, match=r"AudioFrame.samples holds up to 19200"):
        AudioFrame(samples=np.zeros(19201))
    with pytest.raises(ValueError, match="whole instants of 2 channels"):
        AudioFrame.stereo(48000, [1.0])
    with pytest.raises(ValueError, match="0 Hz"):
        AudioFrame(0)
